/**
 * Queries about mails whose number is capped. A row of the outbox takes a turn of its recipient, and its mail
 * then serves every other request that waits for the same.
 */
import type { MailTurn, Outbox } from '../generated/sqlite/client.ts'
import { DEFER, type OutboxKind, type OutboxRow } from './outbox.ts'
import type { Statements } from './sql.ts'

/** Queries about turns. */
export type MailTurns = ReturnType<typeof mailTurns>

/** What the turns of a recipient are counted by. */
export interface Cap {
  /** Names the recipient and the purpose. */
  id: string
  /** @param turns the last ones, newest first */
  nextTurn(turns: Date[]): Date
  /** Whether the row is given up if it is not its turn now. */
  waitedTooLong: boolean
  /** When the count of a turn may be forgotten. */
  expiresAt: Date
}

/**
 * What became of a claimed row. `alsoServes`: ids of other requests that its mail serves, for the log. `waits`: given back until its turn. `lost`: another row's mail serves it, or
 * it is gone.
 */
export type Lead =
  | { outcome: 'leads'; newestRequest: Date; alsoServes: string[] }
  | { outcome: 'waits' | 'lost' | 'waited too long' }

type Turns = Pick<MailTurn, 'version' | 'mailId' | 'lastAt' | 'secondAt' | 'thirdAt'>

const TURNS = `SELECT version, mail_id AS "mailId", last_at AS "lastAt", second_at AS "secondAt",
  third_at AS "thirdAt" FROM mail_turns WHERE id = $1`

/** No row where another worker changed the turns since they were read. */
const TAKE = `INSERT INTO mail_turns (id, version, mail_id, last_at, second_at, third_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (id) DO UPDATE SET version = excluded.version, mail_id = excluded.mail_id,
    last_at = excluded.last_at, second_at = excluded.second_at, third_at = excluded.third_at,
    expires_at = excluded.expires_at
  WHERE mail_turns.version = $8
  RETURNING id`

/** The turn that moved out when this one was taken was more than an hour before it, so it is not missed. */
const GIVE_BACK = `UPDATE mail_turns SET version = version + 1, mail_id = '', last_at = second_at,
  second_at = third_at, third_at = NULL WHERE id = $1 AND mail_id = $2`

const MARK = `UPDATE outbox SET mail_id = id WHERE id = $1 AND state = 'queued' AND attempts = $2 RETURNING id`

/** Requests of other accounts for the same recipient (`$3`) ask for another link. */
const gatherOf = (kinds: readonly OutboxKind[]) => `UPDATE outbox SET state = 'joined', mail_id = $1
  WHERE recipient = $2 AND state IN ('queued', 'joined') AND id <> $1
    AND kind IN (${kinds.map(kind => `'${kind}'`).join(', ')})
    AND COALESCE(user_id, registration_id, '') = $3
  RETURNING request_id AS "requestId"`

const NEWEST_REQUEST = `SELECT created_at AS "createdAt" FROM outbox WHERE mail_id = $1
  ORDER BY created_at DESC LIMIT 1`

/** The mail's row points at itself while it is handed over and once it was sent. */
const MAIL_OF_REQUEST = `SELECT mail.id, mail.state, mail.finished_at AS "finishedAt"
  FROM outbox AS request JOIN outbox AS mail ON mail.id = request.mail_id AND mail.mail_id = mail.id
  WHERE request.challenge_id = $1`

/** How often a turn is tried for while other workers change the same turns. */
const CONTENDED = 10

/** @param statements on the database */
export function mailTurns({ read, change, transaction }: Statements) {
  const contended = new Error('another worker changed the turns')

  function tryToLead(
    row: OutboxRow,
    kinds: readonly OutboxKind[],
    now: Date,
    cap: Cap | undefined,
  ): Promise<Lead> {
    return transaction(async run => {
      const [turns] = cap ? await run<Turns>(TURNS, [cap.id]) : []
      const past = [turns?.lastAt, turns?.secondAt, turns?.thirdAt].filter(at => at instanceof Date)
      // A mail that is tried again after a crash still has its turn.
      const previous = turns?.mailId === row.id ? past.slice(1) : past
      if (cap && turns?.mailId !== row.id) {
        const free = cap.nextTurn(previous)
        if (free > now && cap.waitedTooLong) return { outcome: 'waited too long' }
        if (free > now) {
          // Waiting for one's turn is no try.
          await run(DEFER, [free, row.attempts - 1, null, row.id, row.attempts])
          return { outcome: 'waits' }
        }
      }
      if ((await run(MARK, [row.id, row.attempts])).length === 0) return { outcome: 'lost' }
      if (!cap) return { outcome: 'leads', newestRequest: row.createdAt, alsoServes: [] }
      const version = turns?.version ?? 0
      const [second = null, third = null] = previous
      const values = [cap.id, version + 1, row.id, now, second, third, cap.expiresAt, version]
      if ((await run(TAKE, values)).length === 0) throw contended
      const owner = row.userId ?? row.registrationId ?? ''
      const joined = await run<Pick<Outbox, 'requestId'>>(gatherOf(kinds), [row.id, row.recipient, owner])
      const [newest] = await run<Pick<Outbox, 'createdAt'>>(NEWEST_REQUEST, [row.id])
      const alsoServes = joined.flatMap(({ requestId }) => requestId ?? [])
      return { outcome: 'leads', newestRequest: newest?.createdAt ?? row.createdAt, alsoServes }
    })
  }

  return {
    /**
     * Makes a claimed row the one whose mail is sent next, with all requests that wait with it, or lets it
     * wait for its turn. One transaction.
     *
     * @param kinds whose requests one mail serves
     * @param cap none where mails are not capped; then each row has a mail of its own
     */
    async lead(row: OutboxRow, kinds: readonly OutboxKind[], now: Date, cap?: Cap): Promise<Lead> {
      for (let tries = 1; ; tries++) {
        try {
          return await tryToLead(row, kinds, now, cap)
        } catch (error) {
          if (error !== contended || tries === CONTENDED) throw error
        }
      }
    },

    /** Gives back the turn of a mail that was refused, so that it counts for nothing. */
    giveBack: (capId: string, row: OutboxRow) => change(GIVE_BACK, [capId, row.id]),

    /**
     * The id that the code of a request is derived from: that of the mail that serves it.
     *
     * @param challengeId of the request
     * @param since a mail that was sent before has expired
     * @returns undefined where no such mail was sent, or is being sent
     */
    async codeIdOf(challengeId: string, since: Date): Promise<string | undefined> {
      type Mail = Pick<Outbox, 'id' | 'state' | 'finishedAt'>
      const [mail] = await read<Mail>(MAIL_OF_REQUEST, [challengeId])
      if (!mail || !['queued', 'sent'].includes(mail.state)) return undefined
      return mail.finishedAt === null || mail.finishedAt > since ? mail.id : undefined
    },
  }
}
