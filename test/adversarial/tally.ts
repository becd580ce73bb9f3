/** Counts of each status and code: `{"204": 1, "400 token_spent": 49}`. */
export function tally(answers: { statusCode: number; body: string }[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { statusCode, body } of answers) {
    const outcome = statusCode < 400 ? String(statusCode) : `${statusCode} ${JSON.parse(body).code}`
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}
