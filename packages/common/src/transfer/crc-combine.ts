const POLYNOMIAL = 0xedb88320;
const CACHED_LENGTHS = 256;
const operators = new Map<number, Uint32Array>();

/**
 * The CRC-32 of two pieces joined, from the CRC-32 of each and the second one's length. So the
 * checksum that was made at the source is the one that is stored, and no byte is summed twice.
 * Method: zlib's crc32_combine (Mark Adler): appending n zero bytes is a linear map over GF(2).
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  return (apply(operatorFor(secondBytes), first) ^ second) >>> 0;
}

/** The map "append `bytes` zero bytes", as 32 columns. Frames have few different lengths. */
function operatorFor(bytes: number): Uint32Array {
  const known = operators.get(bytes);
  if (known !== undefined) return known;
  if (operators.size >= CACHED_LENGTHS) operators.clear();
  const operator = powerOf(oneZeroByte(), bytes);
  operators.set(bytes, operator);
  return operator;
}

function oneZeroByte(): Uint32Array {
  const oneBit = new Uint32Array(32);
  oneBit[0] = POLYNOMIAL;
  for (let bit = 1; bit < 32; bit++) oneBit[bit] = 2 ** (bit - 1);
  return powerOf(oneBit, 8);
}

/** The map applied `times` times, by squaring. */
function powerOf(map: Uint32Array, times: number): Uint32Array {
  let result = identity();
  let square = map;
  for (let rest = times; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = compose(square, result);
    square = compose(square, square);
  }
  return result;
}

function identity(): Uint32Array {
  return Uint32Array.from({ length: 32 }, (_, bit) => 2 ** bit);
}

/** First `inner`, then `outer`. */
function compose(outer: Uint32Array, inner: Uint32Array): Uint32Array {
  return inner.map((column) => apply(outer, column));
}

function apply(map: Uint32Array, vector: number): number {
  let sum = 0;
  for (let rest = vector >>> 0, bit = 0; rest !== 0; rest >>>= 1, bit++) {
    if ((rest & 1) === 1) sum ^= map[bit] ?? 0;
  }
  return sum >>> 0;
}
