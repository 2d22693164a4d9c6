import { simulate } from './simulate.ts'
const [seed, bug] = process.argv.slice(2)
const r = await simulate(Number(seed), { keepsStory: true, ...(bug ? { bug: bug as any } : {}) })
for (const l of r.story) console.log(l)
console.log(r.violation, r.trace)
