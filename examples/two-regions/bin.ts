import { App } from 'aws-cdk-lib';
import { twoRegions } from './app.ts';

const app = new App();
twoRegions(app, process.env.CDK_DEFAULT_ACCOUNT);
app.synth();
