import fc from 'fast-check';

/**
 * Property tests try the same values each time, so that the gate tells of a change and not of the
 * dice. Give another seed to look further: `FAST_CHECK_SEED=$RANDOM npm run test:unit`.
 */
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.FAST_CHECK_SEED ?? 20261123) });
