/** https://www.prisma.io/docs/orm/reference/error-reference#p2002 */
const UNIQUE_VIOLATION = 'P2002'

/**
 * Waits for a write that inserts a row others may insert too.
 *
 * @returns its result, or undefined where a unique value was taken already
 */
export async function unlessTaken<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write
  } catch (error) {
    if ((error as { code?: unknown }).code === UNIQUE_VIOLATION) return undefined
    throw error
  }
}
