import { encodeCanonical } from '@muster/protocol'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { stageSigner } from '../../stage/stage-agent.ts'
import { stageRecords } from '../../stage/stage-records.ts'
import { temporaryDirectory } from '../../stage/temporary-directory.ts'
import { createVirtualWorld } from '../../stage/virtual-world.ts'
import { testJournal } from '../journal-compliance.ts'
import { forgetOutcomes, forgetStarts, put } from '../journal-record.ts'
import { openSqliteJournal } from './open-journal.ts'

testJournal('sqlite', async () => {
  const file = path.join(await temporaryDirectory(), 'journal.sqlite')
  return { journal: openSqliteJournal(file), reopen: async () => openSqliteJournal(file) }
})

const market = stageSigner('market').address
const records = stageRecords(createVirtualWorld(1), stageSigner('agent'), market)

test('what was acknowledged survives kill -9', async () => {
  const file = path.join(await temporaryDirectory(), 'journal.sqlite')
  const script = path.join(import.meta.dirname, '..', '..', 'stage', 'write-journal.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let acknowledged = 0
  for await (const line of createInterface(child.stdout)) {
    acknowledged = Number(line)
    if (acknowledged >= 300) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')
  const journal = openSqliteJournal(file)
  const indexes = (await journal.load()).map((record) =>
    record.kind === 'fences' ? (record.tasks[0]?.index ?? -1) : -1,
  )
  expect(indexes.filter((index) => index <= acknowledged)).toHaveLength(acknowledged)
  expect(Math.max(...indexes) + 1).toBe(indexes.length + 1)
  await journal.close()
})

test('a second agent in the same directory is turned away with a reason', async () => {
  const file = path.join(await temporaryDirectory(), 'journal.sqlite')
  const journal = openSqliteJournal(file)
  await journal.commit([put(records.fence(0, 1))])
  expect(() => openSqliteJournal(file)).toThrow(
    expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('Another agent') }),
  )
  await journal.close()
})

test('a file that is no journal is refused with its name', async () => {
  const file = path.join(await temporaryDirectory(), 'journal.sqlite')
  await writeFile(file, 'this was a shopping list'.repeat(100))
  expect(() => openSqliteJournal(file)).toThrow(
    expect.objectContaining({ code: 'unavailable', facts: expect.objectContaining({ file }) }),
  )
})

test('a record that cannot be read is named', async () => {
  const file = path.join(await temporaryDirectory(), 'journal.sqlite')
  const journal = openSqliteJournal(file)
  await journal.close()
  const database = new DatabaseSync(file)
  const rows = encodeCanonical([['starts', 'x', new Uint8Array([0xa0])]])
  database.prepare('INSERT INTO change (rows) VALUES (?)').run(rows)
  database.close()
  const next = openSqliteJournal(file)
  await expect(next.load()).rejects.toMatchObject({ code: 'record_invalid', facts: { record: 'starts:x' } })
  await next.close()
})

test('the log is written anew when most of it is out of force, and loses nothing', async () => {
  const file = path.join(await temporaryDirectory(), 'journal.sqlite')
  const journal = openSqliteJournal(file)
  await journal.commit([put(records.fence(0, 1))])
  for (let round = 0; round < 40; round++) {
    const indexes = Array.from({ length: 400 }, (_, index) => index)
    await journal.commit(indexes.map((index) => put(records.starts([index]))))
    await journal.commit([put(records.outcomes(indexes))])
    await journal.commit(indexes.slice(1).map((index) => forgetStarts(records.starts([index]).id)))
    await journal.commit([forgetOutcomes(records.outcomes([0]).id)])
  }
  const before = await journal.load()
  await journal.close()
  expect((await stat(file)).size).toBeLessThan(12 * 2 ** 20)
  const next = openSqliteJournal(file)
  expect(await next.load()).toEqual(before)
  expect(before).toHaveLength(2)
  await next.close()
})

test('a full disk refuses the commit, keeps what was there, and lets the next one through when there is room', async () => {
  const file = path.join(await temporaryDirectory(), 'journal.sqlite')
  const journal = openSqliteJournal(file, { maxPages: 8 })
  await journal.commit([put(records.fence(0, 1))])
  const many = Array.from({ length: 400 }, (_, index) => put(records.outcomes([index])))
  await expect(journal.commit(many)).rejects.toMatchObject({ code: 'disk_full', fault: 'machine' })
  expect(await journal.load()).toEqual([records.fence(0, 1)])
  await journal.commit([put(records.fence(1, 1))])
  expect(await journal.load()).toHaveLength(2)
  await journal.close()
})

test('nobody else on the machine may read it, not even where an earlier version left it open', async () => {
  const directory = await temporaryDirectory()
  const file = path.join(directory, 'journal.sqlite')
  const first = openSqliteJournal(file)
  await first.nextEpoch(market, 1)
  await first.close()
  await chmod(file, 0o644)
  const journal = openSqliteJournal(file)
  await journal.nextEpoch(market, 1)
  const names = await readdir(directory)
  const modes = await Promise.all(names.map(async (name) => (await stat(path.join(directory, name))).mode & 0o777))
  await journal.close()
  expect(names.length).toBeGreaterThan(1)
  expect(new Set(modes)).toEqual(new Set([0o600]))
})
