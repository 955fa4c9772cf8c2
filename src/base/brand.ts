declare const brand: unique symbol;

/** A number or string that must not be mixed up with another of the same shape: `Brand<number, 'StackIndex'>`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
