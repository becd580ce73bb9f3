/**
 * The area under the ROC curve, exactly, by ranks (Mann and Whitney, 1947; Hanley and McNeil, 1982): the probability
 * that one of `others` took longer than one of `baseline`; a tie counts half.
 *
 * @param baseline times
 * @param others times, in the same unit
 * @returns 0.5 where they cannot be told apart, 0 or 1 where each time tells
 */
export function areaUnderCurve(baseline: readonly number[], others: readonly number[]): number {
  const times = [
    ...baseline.map(time => ({ time, other: false })),
    ...others.map(time => ({ time, other: true })),
  ].sort((a, b) => a.time - b.time)
  let rankSum = 0
  for (let first = 0, end = 0; first < times.length; first = end) {
    let tied = 0
    for (end = first; end < times.length && times[end]?.time === times[first]?.time; end++) {
      if (times[end]?.other) tied++
    }
    // Ranks count from 1; ties share the mean of theirs.
    rankSum += (tied * (first + 1 + end)) / 2
  }
  const least = (others.length * (others.length + 1)) / 2
  return (rankSum - least) / (baseline.length * others.length)
}

/** The median. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
  return (lower + upper) / 2
}
