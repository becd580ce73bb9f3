import { readFileSync } from 'node:fs'
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils'
import type { SchemaEngine } from '@prisma/schema-engine-wasm'

// Neither the es2024 library nor @types/node 20 declares it.
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>
}

const BINDINGS = '@prisma/schema-engine-wasm/schema_engine_bg'

/** Migrations cover all tables and enums. */
export const NO_FILTERS = { externalTables: [], externalEnums: [] }

let loading: Promise<typeof SchemaEngine> | undefined

/**
 * Loads Prisma's schema engine. The entry of the package imports the .wasm file as a module, which Node supports only
 * behind a flag, so this function instantiates it.
 */
async function load(): Promise<typeof SchemaEngine> {
  const bindings = await import('@prisma/schema-engine-wasm/schema_engine_bg')
  const file = new URL(import.meta.resolve(BINDINGS).replace(/\.js$/, '.wasm'))
  // The engine never clears the 10 s timer of PostgreSQL's advisory lock, which would keep the process alive.
  const timers = Object.keys(bindings).filter(name => name.startsWith('__wbg_setTimeout_'))
  const unref = (callback: () => void, milliseconds: number) => setTimeout(callback, milliseconds).unref()
  const { instance } = await WebAssembly.instantiate(readFileSync(file), {
    './schema_engine_bg.js': { ...bindings, ...Object.fromEntries(timers.map(name => [name, unref])) },
  })
  bindings.__wbg_set_wasm(instance.exports)
  const start = instance.exports['__wbindgen_start'] as () => void
  start()
  return bindings.SchemaEngine as unknown as typeof SchemaEngine
}

/**
 * Runs the schema engine on one open adapter and frees the engine.
 *
 * @param datamodels pairs of a file name and a Prisma schema, which name the provider
 */
export async function withEngine<T>(
  adapter: SqlDriverAdapter,
  datamodels: [string, string][],
  run: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  loading ??= load()
  const Engine = await loading
  const factory: SqlMigrationAwareDriverAdapterFactory = {
    provider: adapter.provider,
    adapterName: adapter.adapterName,
    connect: async () => adapter,
    connectToShadowDb: () => Promise.reject(new Error('there is no shadow database')),
  }
  const engine = await Engine.new({ datamodels }, () => {}, bindMigrationAwareSqlAdapterFactory(factory))
  try {
    return await run(engine)
  } finally {
    engine.free()
  }
}
