// The name of a page's search field, which `/` on the keyboard goes to.

export const SEARCH = 'search-field';
