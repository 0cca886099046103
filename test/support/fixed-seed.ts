import fc from 'fast-check';

/**
 * Property tests try the same values each time, so the gate reports a change and not the dice. Set
 * another seed to look further: `FAST_CHECK_SEED=$RANDOM npm run test:unit`.
 */
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.FAST_CHECK_SEED ?? 20261123) });
