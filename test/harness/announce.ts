/**
 * Says which suites a run of the tests leaves out; in CI (TEST_REQUIRE_ALL) leaving out is a failure.
 */
const missing = [
  ['TEST_POSTGRES_URL', 'PostgreSQL'],
  ['TEST_REDIS_URL', 'Redis'],
].filter(([name]) => !process.env[name as string])

if (missing.length > 0) {
  const what = missing.map(([, server]) => server).join(' and ')
  const names = missing.map(([name]) => name).join(' and ')
  process.stdout.write(`Left out: the suites that need ${what}. Set ${names} to run them.\n`)
  if (process.env['TEST_REQUIRE_ALL']) process.exitCode = 1
}
