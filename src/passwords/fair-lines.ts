/**
 * Who waits stands in a line of their own kind, and the lines are served in turn: however long one is, it
 * holds up none of the others.
 */
export interface FairLines<T> {
  /** How many wait in all. */
  size(): number
  /** How many wait in one line. */
  lengthOf(key: string): number
  /** The longest line: its length, and who came last. */
  longest(): { length: number; last: T | undefined }
  join(key: string, item: T): void
  leave(key: string, item: T): void
  /**
   * Takes out who is next: the first that is ready, of the line that has waited longest for its turn. A line where
   * nobody is ready keeps its turn.
   */
  next(): T | undefined
}

/** @param isReady whether somebody's turn may come */
export function fairLines<T>(isReady: (item: T) => boolean = () => true): FairLines<T> {
  /** In the order of their turns; none is empty. */
  const lines = new Map<string, T[]>()
  let size = 0

  return {
    size: () => size,
    lengthOf: key => lines.get(key)?.length ?? 0,
    longest() {
      let longest: T[] = []
      for (const line of lines.values()) if (line.length > longest.length) longest = line
      return { length: longest.length, last: longest.at(-1) }
    },
    join(key, item) {
      const line = lines.get(key)
      if (line) line.push(item)
      else lines.set(key, [item])
      size++
    },
    leave(key, item) {
      const line = lines.get(key)
      const place = line?.indexOf(item) ?? -1
      if (line === undefined || place < 0) return
      line.splice(place, 1)
      if (line.length === 0) lines.delete(key)
      size--
    },
    next() {
      for (const [key, line] of lines) {
        const place = line.findIndex(isReady)
        if (place < 0) continue
        const [first] = line.splice(place, 1)
        // Behind all the others, for whatever is left of it.
        lines.delete(key)
        if (line.length > 0) lines.set(key, line)
        size--
        return first
      }
      return undefined
    },
  }
}
