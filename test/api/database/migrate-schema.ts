import type { OpenDatabase } from '../../../src/database/index.ts'

const SQLITE = {
  columns: `SELECT m.name AS tbl, c.name, upper(c.type) AS type, c."notnull", c.dflt_value, c.pk
    FROM sqlite_master m, pragma_table_xinfo(m.name) c WHERE m.type = 'table' ORDER BY 1, 2`,
  indexes: `SELECT m.name AS tbl, l.name AS idx, l."unique", l.origin, l.partial, x.seqno, x.name AS col, x."desc"
    FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_xinfo(l.name) x
    WHERE m.type = 'table' AND x.key = 1 ORDER BY 1, 2, 6`,
  foreignKeys: `SELECT m.name AS tbl, f."from", f."table", f."to", f.on_update, f.on_delete
    FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY 1, 2, 3`,
  others: `SELECT type, name, sql FROM sqlite_master WHERE type NOT IN ('table', 'index', 'trigger') ORDER BY 1, 2`,
}

const POSTGRESQL = {
  columns: `SELECT table_name, column_name, udt_name, is_nullable, column_default, character_maximum_length,
      numeric_precision, datetime_precision
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2`,
  indexes: `SELECT tablename::text, indexname::text, indexdef FROM pg_indexes 
    WHERE schemaname = 'public' AND indexdef NOT LIKE '%COLLATE "C"%' ORDER BY 1, 2`,
  constraints: `SELECT conrelid::regclass::text AS tbl, conname::text, pg_get_constraintdef(oid) AS def
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2`,
  others: `SELECT relkind::text, relname::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('r', 'i') ORDER BY 1, 2`,
  types: `SELECT typname::text FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd') ORDER BY 1`,
}

/**
 * Everything in the schema that can differ, from the database's own catalogue. The order of columns, triggers and
 * PostgreSQL's indexes with a collation are left out, which the models cannot have. The engine's diff is no witness here: over libsql it takes unique indexes for missing.
 */
export async function describeSchema({ client, provider }: OpenDatabase): Promise<Record<string, unknown[]>> {
  const queries = provider === 'sqlite' ? SQLITE : POSTGRESQL
  const schema: Record<string, unknown[]> = {}
  for (const [part, sql] of Object.entries(queries)) {
    const rows = await client.$queryRawUnsafe<Record<string, unknown>[]>(sql)
    schema[part] = rows.map(row => Object.values(row).map(String).join(' '))
  }
  return schema
}
