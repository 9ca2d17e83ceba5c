// System call numbers to names, per ABI, for compact lines.

export function syscallName(_abi: string, _number: number): string | undefined {
  return undefined
}
