/** What `GET /v1/savings` may answer: always the same days, with sizes that vary. */
export function savedDays(count: number) {
  const last = Date.UTC(2026, 10, 30);
  return Array.from({ length: count }, (_, index) => {
    const amount = (gigabytes: number) => ({
      blobs: Math.round(gigabytes * 40),
      bytes: Math.round(gigabytes * 1e9),
    });
    const wave = 1 + 0.6 * Math.sin(index / 2.3) + 0.3 * Math.cos(index * 1.7);
    return {
      day: new Date(last - index * 86_400_000).toISOString().slice(0, 10),
      copied: amount(1.2 * wave),
      mounted: amount(0.9 * wave),
      present: amount(3.1 * wave),
      images: Math.round(40 * wave),
    };
  });
}
