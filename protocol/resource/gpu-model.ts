/** Words of a driver's name for a GPU that are fields of their own or say nothing: maker, family, memory, interface. */
const noise =
  /\b(nvidia|amd|intel|apple|geforce|tesla|radeon|instinct|generation|gpu|pcie|nvl|sxm\d?|oam|hbm\d\w?|\d+ ?gi?b)\b/g
const gluedNoise = /(sxm\d?|pcie|nvl|\d{2,}gi?b)$/

/**
 * The model of a GPU as orders name it: one word of a-z and 0-9, without maker, memory and interface.
 * `NVIDIA GeForce RTX 4090` is `rtx4090`; `NVIDIA H100 80GB HBM3` and `NVIDIA H100 PCIe` are both `h100`. Of its own answer it
 * changes nothing.
 */
export const gpuModelOf = (name: string): string => {
  const word = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .replaceAll(noise, '')
    .replaceAll(' ', '')
    .replace(gluedNoise, '')
  return word === name ? word : gpuModelOf(word)
}
