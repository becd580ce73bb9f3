/**
 * Starts to measure what the driver itself uses, since it takes that from the server beside it.
 *
 * @returns the driver's CPU time since then, as a share of one core
 */
export function measureDriver(): () => number {
  const cpu = process.cpuUsage()
  const began = performance.now()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return (user + system) / 1000 / (performance.now() - began)
  }
}
