/** Has the user asked to stop (SIGINT)? Seen only when the event loop turns; what was done so far is kept. */
export interface Interrupt {
  readonly asked: boolean;
  /** Signals end the process again. */
  done(): void;
}

export function stopOnInterrupt(): Interrupt {
  let asked = false;
  const listener = (): void => {
    asked = true;
  };
  process.once('SIGINT', listener);
  return {
    get asked() {
      return asked;
    },
    done: () => void process.removeListener('SIGINT', listener),
  };
}
