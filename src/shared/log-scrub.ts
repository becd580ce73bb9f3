/** Keeps email addresses out of log lines. Nothing logs them on purpose; messages of servers and libraries quote them. */

/**
 * An escape sequence of JSON, whose letter is no part of a word behind it, or a whole word with a domain behind it if it
 * is an address. Whole words, so that it takes linear time. Not the `@` of a package's path or version, such as
 * `node_modules/@prisma` or `name@1.2.3`.
 */
const SEQUENCE_OR_WORD =
  /\\(?:u[\da-f]{4}|.)|[\p{L}\p{N}_.!#$%&'*+=?^`{|}~-]+(@(?:[\p{L}\p{N}_-]+\.)+\p{L}[\p{L}\p{N}_-]+)?/giu

/**
 * @param text plain, or JSON
 * @returns the text without the email addresses in it
 */
export function withoutAddresses(text: string): string {
  if (!text.includes('@')) return text
  return text.replace(SEQUENCE_OR_WORD, (found, domain) => (domain === undefined ? found : '[address]'))
}
