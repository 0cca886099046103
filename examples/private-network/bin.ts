import { App } from 'aws-cdk-lib';
import { privateNetwork } from './app.ts';

const app = new App();
privateNetwork(app, process.env.CDK_DEFAULT_ACCOUNT);
app.synth();
