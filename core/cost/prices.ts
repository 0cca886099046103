/** Prices of AWS in US dollars, each for one unit: a request, a gigabyte, a month of something. */
export interface Prices {
  /** https://aws.amazon.com/lambda/pricing/ (arm64) */
  lambdaRequest: number;
  lambdaGbSecond: number;
  /** https://aws.amazon.com/sqs/pricing/ */
  sqsFifoRequest: number;
  sqsStandardRequest: number;
  /** https://aws.amazon.com/dynamodb/pricing/on-demand/ */
  tableReadUnit: number;
  tableWriteUnit: number;
  tableGbMonth: number;
  /** Point-in-time recovery. */
  tableBackupGbMonth: number;
  /** https://aws.amazon.com/ecr/pricing/ (private repositories) */
  ecrGbMonth: number;
  /**
   * From one region to another; into a region it is free, and so are pulls within it.
   * https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer
   */
  regionTransferGb: number;
  /** https://aws.amazon.com/s3/pricing/ (S3 Standard) */
  s3Put: number;
  s3Get: number;
  s3GbMonth: number;
  /** https://aws.amazon.com/eventbridge/pricing/ (custom events; rules on a schedule are free) */
  busEvent: number;
  /** https://aws.amazon.com/api-gateway/pricing/ (HTTP APIs, the first 300 million) */
  apiRequest: number;
  /** https://aws.amazon.com/cloudwatch/pricing/ */
  logGb: number;
  logGbMonth: number;
  metricMonth: number;
  alarmMonth: number;
  /** https://aws.amazon.com/secrets-manager/pricing/ */
  secretMonth: number;
  secretRequest: number;
}

/** When the prices were written down. AWS changes them rarely, and mostly lowers them. */
export const pricesDate = '2026-12-01';

/** The list prices of us-east-1: the lowest, and in part those of most regions. */
export const listPrices: Prices = {
  lambdaRequest: 0.2e-6,
  lambdaGbSecond: 0.0000133334,
  sqsFifoRequest: 0.5e-6,
  sqsStandardRequest: 0.4e-6,
  tableReadUnit: 0.125e-6,
  tableWriteUnit: 0.625e-6,
  tableGbMonth: 0.25,
  tableBackupGbMonth: 0.2,
  ecrGbMonth: 0.1,
  regionTransferGb: 0.02,
  s3Put: 0.005e-3,
  s3Get: 0.0004e-3,
  s3GbMonth: 0.023,
  busEvent: 1e-6,
  apiRequest: 1e-6,
  logGb: 0.5,
  logGbMonth: 0.03,
  metricMonth: 0.3,
  alarmMonth: 0.1,
  secretMonth: 0.4,
  secretRequest: 0.05e-4,
};

/**
 * List prices by region, without free tiers, discounts for volume and taxes. No other region is
 * guessed.
 */
export const regionPrices: Readonly<Record<string, Prices>> = {
  'us-east-1': listPrices,
  'eu-west-1': {
    ...listPrices,
    tableReadUnit: 0.1415e-6,
    tableWriteUnit: 0.705e-6,
    tableGbMonth: 0.283,
    tableBackupGbMonth: 0.22,
    apiRequest: 1.11e-6,
    logGb: 0.57,
  },
};
