# `make help` lists what there is. Targets that need a cluster start the test cluster (test/cluster), unless CONTEXT=<name>
# names a context of yours: then that cluster is used and nothing is started.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# The project's own tools come first, among them the Node that it is tested with.
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.cluster/bin:$(PATH)
export CONTEXT
ifndef CONTEXT
export KUBECONFIG := $(CURDIR)/.cluster/kubeconfig
endif
IMAGES ?= .cluster/images/postcheck.tar

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  With CONTEXT=<name> an existing cluster is used, and none is started."

.PHONY: deps
deps: node_modules/.package-lock.json ## install npm packages, if they have changed

node_modules/.package-lock.json: package.json package-lock.json
	npm ci
	@touch $@

.PHONY: check
check: deps ## types, lint, import rules, generated files up to date, size of the bundle, workflows; seconds
	npm run -s types
	npm run -s lint
	npm run -s generate -- --check
	npm run -s bundle -- --check
	node packages/cli/build.ts --check
	npm run -s jest -- test/structure.test.ts
	go -C test/actionlint tool actionlint -shellcheck= -pyflakes= $(CURDIR)/.github/workflows/*.yml

.PHONY: hooks
hooks: ## make git run `make check` before each commit of this clone
	git config core.hooksPath .githooks

.PHONY: bundle
bundle: deps ## bundle the operator into dist/postcheck.mjs
	node scripts/bundle.ts

.PHONY: plugin
plugin: deps ## bundle kubectl's plugin into packages/cli/dist/kubectl-postcheck.mjs
	node packages/cli/build.ts

.PHONY: images
images: deps ## build the images of the operator and of the test workloads, without a registry
	test/images/build.sh
	test/images/build-operator.sh

.PHONY: cluster
cluster: ## start a three-node Kubernetes on this machine, K8S=1.34 for an older one; built once if it cannot be downloaded
	$(if $(CONTEXT),test/cluster/use-context.sh,test/cluster/cluster.sh up)

.PHONY: cluster-down
cluster-down: ## remove the test cluster
	test/cluster/cluster.sh down

.PHONY: cluster-load
cluster-load: ## load image archives into every node: IMAGES="a.tar b.tar" (default: the operator's)
	test/cluster/load-images.sh $(IMAGES)

.PHONY: operator
operator: images cluster ## install the operator of this checkout into the cluster, by Helm
	test/cluster/load-images.sh $(IMAGES) .cluster/images/workloads/*.tar
	helm upgrade --install postcheck charts/postcheck $(if $(CONTEXT),--kube-context $(CONTEXT)) \
	  --namespace postcheck-system --create-namespace --wait --timeout 3m \
	  --set image.repository=postcheck.local/postcheck,image.tag=dev \
	  --set-string podAnnotations.image=$$(sha256sum .cluster/images/postcheck.tar | cut -c1-12)

.PHONY: demo
demo: operator ## show a good version being verified, and a bad one rolled back
	node scripts/demo.ts

.PHONY: demo-fleet
demo-fleet: operator ## show a rollout in stages: a canary node, an approval, and a fallback of only the node that fails
	node scripts/demo-fleet.ts

.PHONY: unit
unit: deps ## tests that need no cluster
	test/packages.sh
	node scripts/test.ts unit

.PHONY: e2e
e2e: operator ## only the tests on the cluster
	test/packages.sh
	node scripts/test.ts e2e e2e-alone e2e-kill e2e-rbac e2e-chart

.PHONY: nightly-nodes
nightly-nodes: operator ## whatever else takes minutes on the nodes of the test cluster: kube-apiserver, etcd and a node killed in the middle of attempts, the operator in each stage
	node scripts/test.ts nodes

.PHONY: kubelet
kubelet: operator ## run the probers beside a real kubelet on the same pods; a minute or two
	test/packages.sh
	node scripts/test.ts kubelet

.PHONY: test
test: deps ## all tests; ends with `N passed, N failed, N skipped`
	$(MAKE) check & checking=$$!; $(MAKE) operator && wait $$checking
	test/packages.sh
	node scripts/test.ts

.PHONY: bench
bench: operator ## compare with a plain rollout, a shell script, and a client-go program
	node test/bench/bench.ts

.PHONY: release-dry
release-dry: deps ## build every artifact of a release into dist/release, without a registry, then unpack and run them
	node scripts/release.ts
	node scripts/test.ts release

MINUTES ?= 55
LANES ?= 48
SEED ?= 1
.PHONY: soak
soak: deps ## ten thousand upgrades, good, bad and odd ones, on a real API server with random faults before it, for MINUTES=55 in LANES=48; no root
	node scripts/bundle.ts
	node test/fault/soak.ts --minutes $(MINUTES) --lanes $(LANES) --seed $(SEED)

.PHONY: nightly
nightly: deps ## whatever else takes hours: every crash and fault of the simulation, each fault before a real API server, millions of hostile inputs, random histories for MINUTES=55, every planted bug
	node scripts/test.ts sweeps long
	node test/fuzz/soak.ts --seed $(SEED)
	node test/bench/scale.ts --pods 200 --upgrades 20 --failing 5
	node test/sim/soak.ts --minutes $(MINUTES) --seed $(SEED)
	node test/sim/planted.ts

FILES ?=
.PHONY: mutation
mutation: deps ## change the code that decides, or FILES="a.ts b.ts", in small ways, and see which changes no test notices
	node test/mutation/run.ts $(FILES)

VERSIONS ?=
.PHONY: matrix-api
matrix-api: deps ## the API tests on every Kubernetes version, or on VERSIONS="1.34 1.35", recorded in docs/compatibility.md; no root, no nodes
	node scripts/matrix.ts --part api $(VERSIONS)

.PHONY: matrix
matrix: deps ## the same, and the main stories on three nodes of each version
	node scripts/matrix.ts $(VERSIONS)

.PHONY: bench-core
bench-core: deps ## cost of a decision for 100 to 10,000 pods, and API writes of a rollout in stages, without a cluster; seconds
	node test/bench/core.ts
	node test/bench/fleet.ts

PODS ?= 500
UPGRADES ?= 50
FAILING ?= 10
.PHONY: bench-scale
bench-scale: deps ## thousands of simulated pods with a real API server, compared with a plain rollout: PODS=5000 UPGRADES=1000 FAILING=200; no root
	node test/bench/scale.ts --pods $(PODS) --upgrades $(UPGRADES) --failing $(FAILING) $(if $(RECORD),--record) $(if $(PROFILE),--profile $(PROFILE))

.PHONY: bench-dashboard
bench-dashboard: deps ## cost of the dashboard's page in a browser with 200 constantly changing Upgrades; seconds
	test/packages.sh
	node test/bench/dashboard.ts
