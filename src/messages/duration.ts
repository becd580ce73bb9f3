/**
 * Formats seconds, rounded down: "30 minutes", "24 hours", from two days on in days.
 * @param language BCP 47 tag
 */
export function duration(seconds: number, language: string): string {
  const [unit, length] =
    seconds >= 172_800 && seconds % 86_400 === 0
      ? (['day', 86_400] as const)
      : seconds >= 3600 && seconds % 3600 === 0
        ? (['hour', 3600] as const)
        : seconds >= 60
          ? (['minute', 60] as const)
          : (['second', 1] as const)
  const format = new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' })
  return format.format(Math.floor(seconds / length))
}
