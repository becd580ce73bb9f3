import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { newMigration } from '../../../prisma/new-migration.ts'
import { type OpenDatabase, openDatabase, type Provider } from '../../../src/database/index.ts'
import { migrate, migrationNames, PRISMA_FOLDER } from '../../../src/database/migrations.ts'
import { emptyDatabase, providers } from '../../harness/database.ts'
import { describeSchema } from './migrate-schema.ts'

/** A writable copy of the prisma folder. */
function copyOfPrismaFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-prisma-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(PRISMA_FOLDER, folder, { recursive: true })
  return folder
}

/** A copy with the models but without migrations. */
function withoutMigrations(t: Test): string {
  const folder = copyOfPrismaFolder(t)
  rmSync(join(folder, 'models.migrated'), { force: true })
  for (const { provider } of providers) {
    for (const name of migrationNames(folder, provider)) {
      rmSync(join(folder, provider, 'migrations', name), { recursive: true })
    }
  }
  return folder
}

function changeModels(folder: string, from: RegExp, to: string): void {
  const file = join(folder, 'models.prisma')
  const models = readFileSync(file, 'utf8')
  if (!from.test(models)) throw new Error(`the models no longer hold ${from}`)
  writeFileSync(file, models.replace(from, to))
}

async function migrated(t: Test, provider: Provider, folder: string): Promise<OpenDatabase> {
  const url = await emptyDatabase(t, provider)
  await migrate(url, folder)
  const database = await openDatabase(url)
  t.teardown(() => database.close())
  return database
}

/** The last migration of the previous release. Update it with each release. */
const RELEASE_BEFORE = '20261121152909_email_changed'

/** A column that an INSERT may omit, and an index that rejects no row, in the format of `describeSchema`. */
const HARMLESS: Record<Provider, { column: RegExp; index: RegExp }> = {
  sqlite: { column: /^\S+ \S+ \S+ (0 |1 (?!null))/, index: /^\S+ \S+ 0 / },
  postgresql: { column: /^\S+ \S+ \S+ (YES|NO (?!null))/, index: /CREATE INDEX/ },
}

for (const { provider, skip } of providers) {
  let current: ReturnType<typeof describeSchema> | undefined
  const currentSchema = async (t: Test) => {
    current ??= describeSchema(await migrated(t, provider, PRISMA_FOLDER))
    return current
  }
  const isMereIndex = (part: string, line: string) =>
    part === 'indexes' && HARMLESS[provider].index.test(line)

  t.test(`${provider}: the schema has everything that the previous release needs`, { skip }, async t => {
    const folder = copyOfPrismaFolder(t)
    for (const name of migrationNames(folder, provider)) {
      if (name > RELEASE_BEFORE) rmSync(join(folder, provider, 'migrations', name), { recursive: true })
    }
    const before = await describeSchema(await migrated(t, provider, folder))
    const now = await currentSchema(t)
    const tablesBefore = new Set(before['columns']?.map(column => String(column).split(' ')[0]))
    const faults: string[] = []
    for (const [part, lines] of Object.entries(before)) {
      const gone = lines.filter(line => !now[part]?.includes(line) && !isMereIndex(part, String(line)))
      faults.push(...gone.map(line => `gone or changed: ${line}`))
    }
    for (const part of ['column', 'index'] as const) {
      const plural = part === 'column' ? 'columns' : 'indexes'
      const added = (now[plural] as string[]).filter(line => !before[plural]?.includes(line))
      const inTheWay = added.filter(
        line => tablesBefore.has(line.split(' ')[0] as string) && !HARMLESS[provider][part].test(line),
      )
      faults.push(...inTheWay.map(line => `in the way of its rows: ${line}`))
    }
    t.strictSame(faults, [])
  })

  t.test(`${provider}: the migrations lead to the models, without drift`, { skip }, async t => {
    const fromNothing = withoutMigrations(t)
    await newMigration('all', { prismaFolder: fromNothing })
    const expected = await describeSchema(await migrated(t, provider, fromNothing))
    const actual = await currentSchema(t)
    t.ok((expected['columns']?.length ?? 0) > 20, 'the description sees the tables')
    t.ok((expected['indexes']?.length ?? 0) > 5, 'and the indexes')
    t.same(actual, expected, 'run npm run migrate:new NAME')
  })

  t.test(
    `${provider}: a written migration applies, keeps the rows and leaves no drift`,
    { skip },
    async t => {
      const folder = copyOfPrismaFolder(t)
      const url = await emptyDatabase(t, provider)
      const before = await migrate(url, folder)
      t.ok(before.applied.length > 0)
      const database = await openDatabase(url)
      t.teardown(() => database.close())
      const time = provider === 'sqlite' ? `'2026-01-01T00:00:00.000+00:00'` : `'2026-01-01'`
      await database.client.$executeRawUnsafe(
        `INSERT INTO users (id, email, password_hash, password_changed_at, created_at, locale)
       VALUES ('u1', 'a@example.org', 'x', ${time}, ${time}, 'de')`,
      )
      await database.client.$executeRawUnsafe(`CREATE TABLE child (
      id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE)`)
      await database.client.$executeRawUnsafe(`INSERT INTO child VALUES ('c1', 'u1')`)
      await database.close()

      // A column that becomes required makes SQLite copy the table and drop the old one.
      changeModels(
        folder,
        /locale +String\?\n(?=\s+createdAt[^}]+@@map\("users"\))/,
        'locale String @default("en")\n',
      )
      changeModels(folder, /(?=@@map\("registrations"\))/, 'note String?\n  @@index([note])\n  ')
      const name = await newMigration('required_locale', { prismaFolder: folder })
      t.match(name, /^\d{14}_required_locale$/)
      for (const each of providers) {
        t.same(
          migrationNames(folder, each.provider).at(-1),
          name,
          `${each.provider} has it under the same name`,
        )
        const toml = readFileSync(join(folder, each.provider, 'migrations', 'migration_lock.toml'), 'utf8')
        t.match(toml, `provider = "${each.provider}"`)
      }
      t.same(await migrate(url, folder), { applied: [name], newer: [] })

      const after = await openDatabase(url)
      t.teardown(() => after.close())
      t.same(await after.client.$queryRawUnsafe('SELECT id, locale FROM users'), [{ id: 'u1', locale: 'de' }])
      t.same(
        await after.client.$queryRawUnsafe('SELECT id FROM child'),
        [{ id: 'c1' }],
        'dropping the old table deleted nothing by cascade',
      )
      await after.client.$executeRawUnsafe('DROP TABLE child')
      const fromNothing = withoutMigrations(t)
      cpSync(join(folder, 'models.prisma'), join(fromNothing, 'models.prisma'))
      await newMigration('all', { prismaFolder: fromNothing })
      t.same(
        await describeSchema(after),
        await describeSchema(await migrated(t, provider, fromNothing)),
        'the same schema as one created from the models',
      )
    },
  )
}

t.test('unchanged models create no migration', async t => {
  const folder = copyOfPrismaFolder(t)
  const files = () => readdirSync(folder, { recursive: true }).sort()
  const before = files()
  t.equal(await newMigration('again', { prismaFolder: folder }), undefined, 'run npm run migrate:new NAME')
  changeModels(folder, /^/, '// a comment\n')
  t.equal(await newMigration('comment', { prismaFolder: folder }), undefined)
  t.same(files(), before)

  changeModels(folder, /(?=@@map\("users"\))/, 'note String?\n  ')
  t.ok(await newMigration('note', { prismaFolder: folder }))
  t.equal(await newMigration('note_again', { prismaFolder: folder }), undefined, 'it is remembered')
  t.equal(files().length, before.length + 4, 'a folder and a file for each provider')
})

t.test(
  'bad names, invalid models and a clock that runs behind are refused, and nothing is written',
  async t => {
    const folder = copyOfPrismaFolder(t)
    changeModels(folder, /(?=@@map\("users"\))/, 'note String?\n  ')
    const before = readdirSync(folder, { recursive: true }).sort()
    for (const name of ['', 'Add', 'a-b', '../x', '1st', 'a b', 'x'.repeat(61)]) {
      await t.rejects(newMigration(name, { prismaFolder: folder }), { message: /lower-case letters/ }, name)
    }
    await t.rejects(newMigration('note', { prismaFolder: folder, clock: () => new Date(0) }), {
      message: /would not sort after the last migration/,
    })
    changeModels(folder, /note String\?/, 'note Nonsense?')
    await t.rejects(newMigration('note', { prismaFolder: folder }), { message: /Nonsense/ })
    t.same(readdirSync(folder, { recursive: true }).sort(), before)
  },
)
