/** The records of docs/decisions.md have one form. */
import { readFileSync } from 'node:fs'
import t from 'tap'

const LONGEST = 150
const text = readFileSync(new URL(import.meta.resolve('#root/docs/decisions.md')), 'utf8')

t.test('each decision is a context, a decision and a consequence in at most 150 words', async t => {
  const records = text
    .replace(/^##? .*$/gm, '')
    .split(/^### /m)
    .slice(1)
  const faults = records.flatMap(record => {
    const [title, ...body] = record.split('\n')
    const parts = body
      .join('\n')
      .match(/^(Context|Decision|Consequence)(?=: )/gm)
      ?.join()
    const words = record.split(/\s+/).filter(Boolean).length
    return [
      ...(parts === 'Context,Decision,Consequence' ? [] : [`${title}: has ${parts}`]),
      ...(words > LONGEST ? [`${title}: ${words} words`] : []),
    ]
  })
  t.ok(records.length > 30, 'the records are found')
  t.strictSame(faults, [])
})
