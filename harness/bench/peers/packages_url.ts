/** Where the command's server has the packages that were asked for: seen from the worker's page. */
export const PACKAGES = new URL('../../packages', document.baseURI).href;
