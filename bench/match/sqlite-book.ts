import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { gpuModelOf, type Address, type Demand, type OfferId } from '@muster/protocol'
import type { Award, Book } from './book.ts'
import type { ListedProvider } from './mix.ts'

export interface SqliteBook extends Book {
  /** Loads a whole market at once, and then makes the indexes. */
  load(providers: readonly ListedProvider[]): void
  bytes(): number
  close(): void
}

const schema = `
  PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;
  CREATE TABLE offer (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL, provider INTEGER NOT NULL, unit INTEGER NOT NULL, runtimes INTEGER NOT NULL,
    exec TEXT NOT NULL, cpu INTEGER NOT NULL, memory INTEGER NOT NULL, disk INTEGER NOT NULL, gpus INTEGER NOT NULL,
    model TEXT NOT NULL, vendor TEXT NOT NULL, interface TEXT NOT NULL, vram INTEGER NOT NULL, down INTEGER NOT NULL,
    up INTEGER NOT NULL, region TEXT NOT NULL, country TEXT NOT NULL, operator TEXT, expires INTEGER NOT NULL,
    price INTEGER NOT NULL, free INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE attribute (
    provider INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (provider, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE attested (
    provider INTEGER NOT NULL, auditor INTEGER NOT NULL, tier TEXT NOT NULL, PRIMARY KEY (provider, auditor)
  ) STRICT, WITHOUT ROWID;
`

/** One index for each thing that decides: model, region, price alone, each with what is tested most, so that a row that fails is never fetched; operator, provider and attribute where they are few. */
const indexes = `
  CREATE INDEX by_model ON offer (unit, model, price, n, gpus, memory, cpu, vram, disk, runtimes, exec, region, country, down, up, provider, expires) WHERE free > 0;
  CREATE INDEX by_region ON offer (unit, region, price, n, model, gpus, memory, cpu, vram, disk, runtimes, exec, country, down, up, provider, expires) WHERE free > 0;
  CREATE INDEX by_price ON offer (unit, price, n, model, gpus, memory, cpu, vram, disk, runtimes, exec, region, country, down, up, provider, expires) WHERE free > 0;
  CREATE INDEX by_provider ON offer (provider);
  CREATE INDEX by_operator ON offer (operator) WHERE operator IS NOT NULL;
  CREATE INDEX by_attribute ON attribute (value, name, provider);
  ANALYZE;
`

const units = { hour: 0, task: 1, operator: 2 } as const
const runtimeBits = { graph: 1, noop: 2 } as const
const mostAsked = 64

const numberOf = (provider: Address): number => Number(provider)

/** What every way of looking has to test; an unused one is switched off by its first parameter. */
const filters = `
  offer.free > 0 AND offer.unit = :unit AND offer.price <= :most AND offer.runtimes & :runtime <> 0 AND offer.expires > :now
  AND offer.cpu >= :cpu AND offer.memory >= :memory AND offer.disk >= :disk AND offer.gpus >= :gpus
  AND offer.vram >= :vram AND offer.down >= :down AND offer.up >= :up
  AND (:exec = '' OR offer.exec = :exec) AND (:vendor = '' OR offer.vendor = :vendor)
  AND (:interface = '' OR offer.interface = :interface)
  AND (:model1 = '' OR offer.model IN (:model1, :model2, :model3))
  AND (:region1 = '' OR offer.region IN (:region1, :region2)) AND (:country = '' OR offer.country = :country)
  AND (:operator = '' OR offer.operator = :operator)
  AND (:provider1 = 0 OR offer.provider IN (:provider1, :provider2, :provider3))
  AND offer.provider <> :not1 AND offer.provider <> :not2
  AND (:tier = '' OR EXISTS (SELECT 1 FROM attribute a WHERE a.provider = offer.provider AND a.name = 'tier' AND a.value = :tier))
  AND (:fast = '' OR EXISTS (SELECT 1 FROM attribute a WHERE a.provider = offer.provider AND a.name = 'disk' AND a.value = :fast))
  AND (:pool = '' OR EXISTS (SELECT 1 FROM attribute a WHERE a.provider = offer.provider AND a.name = 'pool' AND a.value = :pool))
  AND (:auditor1 = 0 OR EXISTS (SELECT 1 FROM attested s WHERE s.provider = offer.provider
    AND s.auditor IN (:auditor1, :auditor2) AND :fast = '' AND :pool = '' AND (:tier = '' OR s.tier = :tier)))
  AND (offer.price, offer.n) > (:afterPrice, :afterN)
`
const columns = 'offer.n, offer.id, offer.provider, offer.price, offer.free'
const end = 'ORDER BY price, n LIMIT :limit'

const select = (from: string, where = ''): string => `SELECT ${columns} FROM ${from} WHERE ${where} ${filters} ${end}`
/** The cheapest of several lists that are each in order, without sorting all of any. */
const union = (many: number, from: string, where: (index: number) => string): string => {
  const each = Array.from({ length: many }, (_, index) => `SELECT * FROM (${select(from, where(index + 1))})`)
  return `SELECT * FROM (${each.join(' UNION ALL ')}) ${end}`
}

/** The way of looking that meets the fewest rows, as a person who knows the mix would have it. */
const queryFor = (demand: Demand): string => {
  const { placement, resources } = demand
  if (placement.providers.length > 0)
    return select('offer INDEXED BY by_provider', 'offer.provider IN (:provider1, :provider2, :provider3) AND')
  if (placement.operators !== undefined) return select('offer INDEXED BY by_operator', 'offer.operator = :operator AND')
  if (placement.attributes['pool'] !== undefined) {
    const from = 'attribute p INDEXED BY by_attribute CROSS JOIN offer INDEXED BY by_provider'
    return select(from, `p.name = 'pool' AND p.value = :pool AND offer.provider = p.provider AND`)
  }
  const models = resources.gpu?.models.length ?? 0
  if (models > 0) return union(models, 'offer INDEXED BY by_model', (index) => `offer.model = :model${index} AND`)
  const regions = new Set(placement.regions).size
  if (regions > 0) return union(regions, 'offer INDEXED BY by_region', (index) => `offer.region = :region${index} AND`)
  return select('offer INDEXED BY by_price')
}

interface Row {
  readonly n: number
  readonly id: OfferId
  readonly provider: number
  readonly price: number
  readonly free: number
}

const parametersOf = (demand: Demand, now: number) => {
  const { placement, resources, maxPrice } = demand
  const { gpu, network } = resources
  const auditors = [...(placement.signedBy?.anyOf ?? []), ...(placement.signedBy?.allOf ?? [])].map(numberOf)
  const providers = placement.providers.map(numberOf)
  const regions = [...new Set(placement.regions)]
  return {
    unit: units[maxPrice.per],
    most: Number(maxPrice.nanoUsd),
    runtime: runtimeBits[demand.runtime as keyof typeof runtimeBits],
    now,
    cpu: resources.cpuMilli,
    memory: resources.memoryBytes,
    disk: resources.diskBytes,
    gpus: resources.gpuCount,
    vram: gpu?.vramBytes ?? 0,
    down: network?.downMbps ?? 0,
    up: network?.upMbps ?? 0,
    exec: demand.execSpec ?? '',
    vendor: gpu?.vendors[0] ?? '',
    interface: gpu?.interfaces[0] ?? '',
    model1: gpu?.models[0] ?? '',
    model2: gpu?.models[1] ?? gpu?.models[0] ?? '',
    model3: gpu?.models[2] ?? gpu?.models[0] ?? '',
    region1: regions[0] ?? '',
    region2: regions[1] ?? regions[0] ?? '',
    country: placement.countries[0] ?? '',
    operator: placement.operators?.[0] ?? '',
    provider1: providers[0] ?? 0,
    provider2: providers[1] ?? 0,
    provider3: providers[2] ?? 0,
    not1: numberOf(placement.excludeProviders[0] ?? ('0x0' as Address)),
    not2: numberOf(placement.excludeProviders[1] ?? ('0x0' as Address)),
    tier: placement.attributes['tier'] ?? '',
    fast: placement.attributes['disk'] ?? '',
    pool: placement.attributes['pool'] ?? '',
    auditor1: auditors[0] ?? 0,
    auditor2: auditors[1] ?? auditors[0] ?? 0,
    limit: Math.min(mostAsked, demand.slots),
  } satisfies Record<string, SQLInputValue>
}

/** SQLite in memory with the indexes that fit the mix, asked the same and told the same. */
export const createSqliteBook = (now: number): SqliteBook => {
  const database = new DatabaseSync(':memory:')
  database.exec(schema)
  const statements = new Map<string, StatementSync>()
  const statement = (sql: string): StatementSync => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const made = database.prepare(sql)
    made.setAllowUnknownNamedParameters(true)
    statements.set(sql, made)
    return made
  }
  const held = new Map<number, number>()
  const insert = database.prepare(`INSERT INTO offer VALUES (${Array.from({ length: 22 }, () => '?').join()})`)
  const insertAttribute = database.prepare('INSERT INTO attribute VALUES (?, ?, ?)')
  const insertAttested = database.prepare('INSERT INTO attested VALUES (?, ?, ?)')
  const known = new Set<number>()

  const freeOf = ({ provider, slots }: ListedProvider): number =>
    Math.max(0, slots - (held.get(numberOf(provider)) ?? 0))

  const add = (listed: ListedProvider): void => {
    const provider = numberOf(listed.provider)
    for (const offer of listed.offers) {
      const { resources, gpus, network } = offer
      const [gpu] = gpus
      insert.run(
        ...[Number(offer.id.slice(4)), offer.id, provider, units[offer.price.per]],
        offer.runtimes.reduce((bits, runtime) => bits | runtimeBits[runtime as keyof typeof runtimeBits], 0),
        ...[offer.execSpec, resources.cpuMilli, resources.memoryBytes, resources.diskBytes, resources.gpuCount],
        ...[gpuModelOf(gpu?.model ?? ''), gpu?.vendor ?? '', gpu?.interface ?? '', gpu?.vramBytes ?? 0],
        ...[network?.downMbps ?? 0, network?.upMbps ?? 0, offer.region, offer.country, offer.operator ?? null],
        ...[offer.expiresAt, Number(offer.price.nanoUsd), freeOf(listed)],
      )
    }
    const [first] = listed.offers
    if (known.has(provider) || first === undefined) return
    known.add(provider)
    for (const [name, value] of Object.entries(first.attributes)) insertAttribute.run(provider, name, value)
    for (const { record } of first.attestations ?? [])
      insertAttested.run(provider, numberOf(record.auditor), record.attributes['tier'] ?? '')
  }

  return {
    load: (providers) => {
      database.exec('BEGIN')
      for (const provider of providers) add(provider)
      database.exec('COMMIT')
      database.exec(indexes)
    },
    publish: (listed) => {
      const provider = numberOf(listed.provider)
      const there = statement('SELECT n FROM offer WHERE provider = ?').all(provider)
      if (there.length === 0) return add(listed)
      if (listed.offers.length === 0) return void statement('DELETE FROM offer WHERE provider = ?').run(provider)
      const update = statement('UPDATE offer SET price = ?, free = ? WHERE n = ?')
      const free = freeOf(listed)
      for (const { id, price } of listed.offers) update.run(Number(price.nanoUsd), free, Number(id.slice(4)))
    },
    order: (demand) => {
      const awards: Award[] = []
      const query = statement(queryFor(demand))
      const parameters = parametersOf(demand, now)
      let left = demand.slots
      let [afterPrice, afterN] = [-1, 0]
      for (;;) {
        const page = query.all({ ...parameters, afterPrice, afterN }) as unknown as Row[]
        const taken = new Map<number, number>()
        for (const { n, id, provider, price, free } of page) {
          ;[afterPrice, afterN] = [price, n]
          const slots = Math.min(left, free - (taken.get(provider) ?? 0))
          if (slots <= 0) continue
          statement('UPDATE offer SET free = free - ? WHERE provider = ?').run(slots, provider)
          taken.set(provider, (taken.get(provider) ?? 0) + slots)
          held.set(provider, (held.get(provider) ?? 0) + slots)
          awards.push({ offer: id, slots })
          left -= slots
          if (left === 0) return awards
        }
        if (page.length < parameters.limit) return awards
      }
    },
    bytes: () => {
      const [pages] = statement('PRAGMA page_count').all() as unknown as [{ page_count: number }]
      const [size] = statement('PRAGMA page_size').all() as unknown as [{ page_size: number }]
      return pages.page_count * size.page_size
    },
    close: () => database.close(),
  }
}
