// Keys of requests: the same key always means the same run.

/** A new one. `crypto.randomUUID` is missing where a page comes over http from another machine. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
