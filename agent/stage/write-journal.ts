import { openSqliteJournal } from '../journal/sqlite/open-journal.ts'
import { put } from '../journal/journal-record.ts'
import { stageSigner } from './stage-agent.ts'
import { stageRecords } from './stage-records.ts'
import { createVirtualWorld } from './virtual-world.ts'

// Commits fences 1, 2, 3, … to the journal named on the command line, two in flight, and prints each once it is durable.
const journal = openSqliteJournal(process.argv[2] ?? '')
const records = stageRecords(createVirtualWorld(1), stageSigner('agent'), stageSigner('market').address)
let before: Promise<void> = Promise.resolve()
for (let index = 1; index <= 100_000; index++) {
  const commit = journal.commit([put(records.fence(index, 1))])
  await before
  before = commit.then(() => void process.stdout.write(`${index}\n`))
}
