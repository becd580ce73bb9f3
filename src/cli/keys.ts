/** Commands for keys of the operators' API. */
import type { ApiKey } from '../database/queries/api-keys.ts'
import { createKey, listKeys, revokeKey, SCOPES, type Scope } from '../operators/keys.ts'
import { publicKey } from '../operators/public-key.ts'
import { BY_CLI, type Command, usageError } from './command.ts'
import { readDeadline } from './input.ts'
import { facts, table } from './table.ts'

const list: Command = {
  name: 'keys list',
  summary: "list the keys of the operators' API",
  async run(context) {
    const needs = await context.needs()
    const rows = await listKeys(needs)
    const heads = ['id', 'name', 'state', 'scopes', 'created', 'created by', 'expires', 'last used']
    const cells = rows.map(key => [
      key.id,
      key.name,
      stateOf(key, needs.clock()),
      key.scopes,
      key.createdAt,
      key.createdBy,
      key.expiresAt,
      key.lastUsedAt,
    ])
    return {
      json: { keys: rows.map(publicKey) },
      text:
        cells.length === 0
          ? 'There is no key. Create one: latchkey keys create NAME --scope users:read'
          : table(heads, cells),
    }
  },
}

const create: Command = {
  name: 'keys create',
  summary: "create a key of the operators' API",
  description: `The key is printed once and not stored. Scopes: ${SCOPES.join(', ')}.`,
  parameters: { name: 'what the key is used for' },
  options: {
    scope: {
      value: 'scope',
      description: 'a scope of the key; repeat it for several',
      multiple: true,
    },
    'all-scopes': { description: 'every scope, instead of single ones' },
    expires: { value: 'time', description: 'when it expires: 2027-01-31 or 90d; never by default' },
  },
  async run(context, input) {
    const unknown = input.list('scope').find(scope => !SCOPES.includes(scope as Scope))
    if (unknown !== undefined)
      throw usageError(`There is no scope "${unknown}". Scopes: ${SCOPES.join(', ')}.`)
    const scopes = input.flag('all-scopes') ? SCOPES : (input.list('scope') as Scope[])
    if (scopes.length === 0) throw usageError('Add --scope, once for each scope, or --all-scopes.')
    const name = input.text('name')
    if (!/^[^\p{Cc}]{1,100}$/u.test(name)) throw usageError('The name has 1 to 100 printable characters.')
    const needs = await context.needs()
    const expiresAt = readDeadline(input, 'expires', needs.clock())
    const { key, row } = await createKey(needs, { name, scopes, expiresAt }, BY_CLI)
    const known = facts([
      ['id', row.id],
      ['name', row.name],
      ['scopes', row.scopes],
      ['expires', row.expiresAt],
    ])
    return {
      json: { ...publicKey(row), key },
      text: `${key}\n\nKeep it now: it is not shown again.\n\n${known}`,
    }
  },
}

const revoke: Command = {
  name: 'keys revoke',
  summary: "revoke a key of the operators' API",
  description: 'Running services refuse the key within a second.',
  parameters: { key: 'id of the key' },
  question: async (_context, input) => `Revoke the key ${input.text('key')}?`,
  async run(context, input) {
    const row = await revokeKey(await context.needs(), input.text('key'), BY_CLI)
    return { json: publicKey(row), text: `The key ${row.id} is revoked.` }
  },
}

export const keys: readonly Command[] = [list, create, revoke]

function stateOf({ revokedAt, expiresAt }: ApiKey, now: Date): string {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'active'
}
