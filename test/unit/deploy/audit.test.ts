import { readFileSync } from 'node:fs'
import t from 'tap'
import { type Accepted, type Report, verdict } from '../../../deploy/audit.ts'

const advisory = (id: string, severity: string) => ({
  url: `https://github.com/advisories/${id}`,
  severity,
  title: `Trouble ${id}`,
})

const report = (vulnerabilities: Report['vulnerabilities']) => JSON.stringify({ vulnerabilities })

t.test('fails on advisories of level high and above', async t => {
  const output = report({
    parser: { via: [advisory('GHSA-high', 'high'), advisory('GHSA-low', 'low')] },
    // npm lists dependents as well.
    framework: { via: ['parser'] },
    mailer: { via: [advisory('GHSA-critical', 'critical'), advisory('GHSA-moderate', 'moderate')] },
  })
  t.strictSame(verdict(output, [], '2026-01-01'), {
    result: 'found',
    lines: [
      'mailer: Trouble GHSA-critical (critical) https://github.com/advisories/GHSA-critical',
      'parser: Trouble GHSA-high (high) https://github.com/advisories/GHSA-high',
    ],
  })
  t.strictSame(verdict(report({}), [], '2026-01-01'), { result: 'clean', lines: [] })
})

t.test('an accepted advisory passes until its date, and no other does', async t => {
  const output = report({ parser: { via: [advisory('GHSA-known', 'high')] } })
  const accepted: Accepted[] = [
    {
      advisory: 'https://github.com/advisories/GHSA-known',
      package: 'parser',
      why: 'only the build runs it',
      until: '2026-03-01',
    },
  ]
  t.equal(verdict(output, accepted, '2026-02-28').result, 'clean')
  t.equal(verdict(output, accepted, '2026-03-01').result, 'found')
  const other = report({ parser: { via: [advisory('GHSA-other', 'high')] } })
  t.equal(verdict(other, accepted, '2026-02-28').result, 'found')
})

t.test('a registry that does not respond fails the audit', async t => {
  const refused = JSON.stringify({ error: { code: 'ENOAUDIT', summary: 'Method Not Allowed' } })
  for (const output of ['', 'not JSON', 'null', refused]) {
    t.strictSame(verdict(output, [], '2026-01-01'), { result: 'unknown', lines: [] }, output)
  }
})

t.test('SECURITY.md explains exactly the accepted advisories', async t => {
  const read = (path: string) => readFileSync(new URL(import.meta.resolve(`#root/${path}`)), 'utf8')
  const accepted = JSON.parse(read('deploy/audit-accepted.json')) as Accepted[]
  for (const { advisory, why, until } of accepted) {
    t.match(advisory, /^https:\/\/github\.com\/advisories\/GHSA-[\w-]+$/)
    t.ok(why.length > 20, 'says why')
    t.match(until, /^\d{4}-\d{2}-\d{2}$/)
  }
  const told = [...read('SECURITY.md').matchAll(/https:\/\/github\.com\/advisories\/GHSA-[\w-]+/g)].map(
    String,
  )
  t.strictSame(new Set(told), new Set(accepted.map(({ advisory }) => advisory)))
})
