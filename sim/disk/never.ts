/** The outcome of work whose boot has ended: nobody is left to hear of it. */
export const never = (): Promise<never> => new Promise(() => undefined);
