// Markup in modules: htm's templates make Preact's elements, so every string is text and never markup.

import htm from 'htm';
import { h } from 'preact';

export const html = htm.bind(h);

/**
 * The names of classes that apply, separated by blanks.
 * @param {...(string | false | null | undefined)} names
 */
export const classes = (...names) => names.filter(Boolean).join(' ');
