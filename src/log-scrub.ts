/** Keeps email addresses out of log lines. Nothing logs them on purpose; messages of servers and libraries quote them. */

/**
 * An escape sequence of JSON, whose letter is no part of an address behind it, or an address. Not the `@` of a
 * package's path or version, such as `node_modules/@prisma` or `name@1.2.3`. Bounded, so that it takes linear time.
 */
const ESCAPE_OR_ADDRESS =
  /(\\(?:u[\da-f]{4}|.))|[\w.!#$%&'*+=?^`{|}~\u0080-\uffff-]{1,64}@(?:[\w\u0080-\uffff-]{1,63}\.)+[a-z\u0080-\uffff][\w\u0080-\uffff-]{1,62}/gi

/**
 * @param text plain, or JSON
 * @returns the text without the email addresses in it
 */
export function withoutAddresses(text: string): string {
  if (!text.includes('@')) return text
  return text.replace(ESCAPE_OR_ADDRESS, (_found, sequence) => sequence ?? '[address]')
}
