export { fourAgents, type AgentPlan } from './agent-plan.ts'
export { killBusyAgent, type KilledAgent } from './kill-agent.ts'
export { spawnProgram, type Program } from './spawn-program.ts'
export { startDevnet, type Devnet, type DevnetAgent, type DevnetOptions } from './start-devnet.ts'
