/**
 * Bounds what runs at once.
 *
 * @param most jobs at once; the others begin in the order of their coming
 */
export function semaphore(most: number) {
  const waiting: (() => void)[] = []
  let running = 0
  return {
    running: () => running,
    async run<T>(job: () => Promise<T>): Promise<T> {
      if (running < most) running++
      else await new Promise<void>(resolve => waiting.push(resolve))
      try {
        return await job()
      } finally {
        // Handed on, so `running` changes only where nobody waits.
        const next = waiting.shift()
        if (next) next()
        else running--
      }
    },
  }
}
