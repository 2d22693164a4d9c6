const pageBytes = 65_536
const maxPages = 65_536

/**
 * Lowers the most that the engine's linear memory may grow to, before the engine is loaded: past it an allocation inside
 * the engine fails, and with it only the run. WebAssembly itself keeps the bound.
 */
export const limitWasmMemory = (bytes: number): void => {
  const pages = Math.min(maxPages, Math.floor(bytes / pageBytes))
  const Unbounded = WebAssembly.Memory
  const Bounded = function Memory(descriptor: WebAssembly.MemoryDescriptor): WebAssembly.Memory {
    return new Unbounded({ ...descriptor, maximum: Math.min(descriptor.maximum ?? maxPages, pages) })
  }
  Bounded.prototype = Unbounded.prototype
  Object.defineProperty(WebAssembly, 'Memory', { value: Bounded })
}
