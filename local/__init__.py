"""The local cloud: reads template.yaml and runs all of Carillon on one machine, without an AWS account."""
