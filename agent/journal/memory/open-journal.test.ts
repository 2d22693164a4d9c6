import { testJournal } from '../journal-compliance.ts'
import { openMemoryJournal } from './open-journal.ts'

testJournal('memory', async () => ({ journal: openMemoryJournal(), reopen: null }))
