/**
 * What every way needs in which references name the mirror: the nodes' login at Amazon ECR, as
 * lines of a comment.
 */
export const loginByName = `Nodes pull from Amazon ECR, so they need its login: the kubelet's credential provider, which EKS nodes
have (elsewhere: ecr-credential-provider with --image-credential-provider-config), and a role with
AmazonEC2ContainerRegistryPullOnly. https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/`;
