import { spawn } from 'node:child_process'
import path from 'node:path'
import type { Devnet } from './start-devnet.ts'

const script = path.join(import.meta.dirname, '..', 'examples', 'ocr', 'main.ts')

/** Runs the OCR application as any tenant would: a process of its own, with a URL and a key. Resolves to its exit code; `interrupt` ends it. */
export const runExample = (devnet: Devnet, args: readonly string[], interrupt: AbortSignal): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
      stdio: 'inherit',
      env: { ...process.env, MUSTER_URL: devnet.url, MUSTER_API_KEY: devnet.apiKey },
    })
    interrupt.addEventListener('abort', () => void child.kill('SIGTERM'))
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
