/** Starting and memory. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Memory } from '../memory.ts'
import type { Stage } from '../stage.ts'
import { median } from '../statistics.ts'
import { megabytes, milliseconds, type Row } from '../table.ts'

const START_GOAL_RATIO = 2
/** 120 MiB. */
const IDLE_GOAL_MB = 126
/** After this a process that is left alone has done what it puts off at its start; milliseconds. */
const IDLE_AFTER = 1000

/** To be measured last, for the peak of all that went before. */
export async function processRows(stage: Stage): Promise<Row[]> {
  const starts = { first: [], later: [], bare: [] } as Record<'first' | 'later' | 'bare', number[]>
  const idle: Memory[] = []
  const bareIdle: Memory[] = []
  for (let round = 0; round < stage.timing.rounds; round++) {
    const later = await stage.another('migrated')
    starts.later.push(later.startedInMs)
    const bare = await stage.anotherBare()
    starts.bare.push(bare.startedInMs)
    await delay(IDLE_AFTER)
    const [memory, bareMemory] = [later.memory(), bare.memory()]
    if (memory && bareMemory) {
      idle.push(memory)
      bareIdle.push(bareMemory)
    }
    await Promise.all([later.kill(), bare.kill()])
    if (stage.provider !== 'sqlite') continue
    const first = await stage.another('missing')
    starts.first.push(first.startedInMs)
    await first.kill()
  }

  const bareStart = { name: 'bare Fastify, start to first answer', ...milliseconds(median(starts.bare)) }
  const rows: Row[] = [
    {
      what: 'start to first answer of /health/ready',
      figure: milliseconds(median(starts.later)),
      baseline: bareStart,
      goal: { atMost: START_GOAL_RATIO },
    },
  ]
  if (starts.first.length > 0) {
    rows.push({
      what: 'the same, with the database still to be made',
      figure: milliseconds(median(starts.first)),
      baseline: bareStart,
    })
  }
  return [...rows, ...memoryRows(stage, idle, bareIdle)]
}

function memoryRows(stage: Stage, idle: Memory[], bareIdle: Memory[]): Row[] {
  const [peak, barePeak] = [stage.service.memory()?.peak, stage.bare.memory()?.peak]
  if (idle.length === 0 || peak === undefined || barePeak === undefined) return []
  const middle = (of: Memory[], key: keyof Memory) => megabytes(median(of.map(memory => memory[key])))
  return [
    {
      what: 'resident memory, idle',
      figure: middle(idle, 'now'),
      baseline: { name: 'bare Fastify, idle', ...middle(bareIdle, 'now') },
    },
    {
      what: 'peak of resident memory, idle',
      figure: middle(idle, 'peak'),
      baseline: { name: 'bare Fastify, idle', ...middle(bareIdle, 'peak') },
      goal: { figureAtMost: IDLE_GOAL_MB, unit: 'MB' },
    },
    {
      what: 'peak of resident memory, after all of the above',
      figure: megabytes(peak),
      baseline: { name: 'bare Fastify, after the same', ...megabytes(barePeak) },
    },
  ]
}
