const random =
  'its result is drawn at random, so no second machine can check it; draw outside and feed the numbers as an input'
const subgraph =
  'it holds a subgraph, whose operators cannot be refereed one by one; inline the branch or unroll the loop'
const container = 'it handles sequences or optionals, which no tensor blob can carry; use tensors'
const text = 'it handles text, which no tensor blob can carry; do this step outside the program'

/** Why a standard ONNX operator is not on the whitelist, for those where "no kernel" would not help its user. */
export const refusedOperators: ReadonlyMap<string, string> = new Map([
  ...['RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike', 'Multinomial', 'Bernoulli'].map(
    (name) => [name, random] as const,
  ),
  ...['If', 'Loop', 'Scan', 'SequenceMap'].map((name) => [name, subgraph] as const),
  ...['Optional', 'OptionalHasElement', 'OptionalGetElement', 'SequenceAt', 'SequenceConstruct', 'SequenceEmpty'].map(
    (name) => [name, container] as const,
  ),
  ...['SequenceErase', 'SequenceInsert', 'SequenceLength', 'ConcatFromSequence', 'SplitToSequence'].map(
    (name) => [name, container] as const,
  ),
  ...['RegexFullMatch', 'StringConcat', 'StringNormalizer', 'StringSplit', 'ImageDecoder'].map(
    (name) => [name, text] as const,
  ),
])
