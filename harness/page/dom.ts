import type { Html } from '../report/html.ts';

type Attributes = Readonly<Record<string, string | number | boolean | ((event: Event) => void) | undefined>>;
type Child = Node | string | number | undefined;

/**
 * A new element. Children that are text become text nodes, never markup. A function is a listener for the event that
 * its key names; true and false set and leave out an attribute.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const result = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') result.addEventListener(name, value);
    else if (value !== undefined && value !== false) result.setAttribute(name, value === true ? '' : String(value));
  }
  result.append(...present(children));
  return result;
}

/** Terms and what there is to say of them, where there is. */
export function facts(rows: readonly (readonly [string, Child])[]): HTMLElement {
  const known = rows.filter(([, value]) => value !== undefined);
  return element(
    'dl',
    { class: 'facts' },
    ...known.map(([term, value]) => element('div', {}, element('dt', {}, term), element('dd', {}, value))),
  );
}

/** Puts these children in the place of all that an element has. */
export function fill(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren(...present(children));
}

/** The element of index.html with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** Markup of a template, whose values were escaped, as nodes. */
export function markup({ text }: Html): DocumentFragment {
  return document.createRange().createContextualFragment(text);
}

function present(children: readonly Child[]): (Node | string)[] {
  return children
    .filter((child) => child !== undefined)
    .map((child) => (child instanceof Node ? child : String(child)));
}
