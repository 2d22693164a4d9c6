import { simulate, type Bug } from './simulate.ts'
const [from, to, bug] = process.argv.slice(2)
const t0 = process.hrtime.bigint(); let bad = 0, total = 0
for (let seed = Number(from); seed < Number(to); seed++) {
  const t = process.cpuUsage()
  const r = await simulate(seed, bug === undefined ? {} : { bug: bug as Bug })
  const u = process.cpuUsage(t); const ms = (u.user + u.system) / 1000; total += ms
  console.log(seed, r.trace, `${ms.toFixed(0)} ms`, `virtual ${(r.virtualMs/1000).toFixed(0)} s`, `events ${r.events} commits ${r.commits} runs ${r.runs}`, r.crashPoints.join(','))
  if (r.violation) { bad++; console.log(r.violation); if (bad <= 1) console.log(r.story.slice(-60).join('\n')); }
}
console.log(bad, 'bad', total / (Number(to) - Number(from)), 'ms a seed')
