package study

import (
	"slices"
	"strings"
)

// Direction says which end of a metric is better.
type Direction string

// The directions of an objective.
const (
	Min Direction = "min"
	Max Direction = "max"
)

// MetricInfo is what is known of a metric before it is measured.
type MetricInfo struct {
	Name   string
	Unit   string    // base unit, the only one in storage and JSON; "" has no unit
	Better Direction // what a person usually wants
	Source string    // "target": measured on the board; "host": on the daemon's computer; "exact": known without measuring
	Help   string
}

// Shared reports whether the metric does not depend on the target.
func (m MetricInfo) Shared() bool { return m.Source != "target" }

// metrics is the registry: the names a study file may use.
var metrics = []MetricInfo{
	{"latency.first_token", "s", Min, "target", "time from the start of the workload's prompt to the first generated token"},
	{"latency.decode", "s/token", Min, "target", "time per generated token after the workload's prompt"},
	{"latency.prefill", "s/token", Min, "target", "time per token of the workload's prompt"},
	{"latency.load", "s", Min, "target", "time to load the model and make a context, file cached"},
	{"memory.peak", "B", Min, "target", "peak resident memory of the process that runs the model (VmHWM)"},
	{"memory.peak_anon", "B", Min, "target", "peak of the resident memory that cannot be evicted (RssAnon)"},
	{"memory.peak_device", "B", Min, "target", "peak memory of an accelerator"},
	{"memory.floor", "B", Min, "target", "resident memory of the runner before it opens a model"},
	{"energy.decode", "J/token", Min, "target", "energy per generated token above idle"},
	{"energy.prefill", "J/token", Min, "target", "energy per prompt token above idle"},
	{"power.max", "W", Min, "target", "highest power seen while measuring"},
	{"temperature.max", "°C", Min, "target", "highest temperature seen while measuring"},
	{"size.file", "B", Min, "exact", "bytes of the exported file"},
	{"size.weights", "B", Min, "exact", "bytes of the tensors"},
	{"quality.kld", "nat/token", Min, "host", "mean Kullback-Leibler divergence from the original model's next-token distribution"},
	{"quality.ppl", "", Min, "host", "perplexity of the study's text"},
	{"quality.bpb", "bit/B", Min, "host", "bits per byte of the study's text"},
	{"quality.top1", "", Max, "host", "share of positions where the most likely token is the original's"},
}

// statistics are the suffixes a metric may carry.
var statistics = []string{"p50", "p95", "mean", "max"}

// DefaultStatistic is taken where a metric carries no suffix.
const DefaultStatistic = "p50"

// Statistics returns the suffixes a metric may carry.
func Statistics() []string { return slices.Clone(statistics) }

// LookupMetric finds the metric that a name with or without a statistic
// suffix refers to: "latency.decode.p95" gives latency.decode and "p95";
// without a suffix the statistic is p50.
func LookupMetric(name string) (info MetricInfo, statistic string, ok bool) {
	statistic = DefaultStatistic
	if i := strings.LastIndexByte(name, '.'); i > 0 && slices.Contains(statistics, name[i+1:]) {
		// "power.max" and "temperature.max" end in a statistic but are metrics.
		if j := indexMetric(name); j >= 0 {
			return metrics[j], statistic, true
		}
		name, statistic = name[:i], name[i+1:]
	}
	i := indexMetric(name)
	if i < 0 {
		return MetricInfo{}, "", false
	}
	return metrics[i], statistic, true
}

func indexMetric(name string) int {
	return slices.IndexFunc(metrics, func(m MetricInfo) bool { return m.Name == name })
}

// MetricRegistry returns all metrics, in the order they are documented.
func MetricRegistry() []MetricInfo { return slices.Clone(metrics) }

// Units returns the unit of every named metric; unknown names are left out.
func Units(names []string) map[string]string {
	units := make(map[string]string, len(names))
	for _, n := range names {
		if info, _, ok := LookupMetric(n); ok {
			units[n] = info.Unit
		}
	}
	return units
}

// MetricNames returns the names of all metrics, in the order they are
// documented.
func MetricNames() []string {
	names := make([]string, len(metrics))
	for i, m := range metrics {
		names[i] = m.Name
	}
	return names
}

// ValueKey is the key under which a trial's values hold a metric: its name,
// with the statistic unless that is the default. Unknown names stay as they
// are.
func ValueKey(name string) string {
	info, statistic, ok := LookupMetric(name)
	switch {
	case !ok:
		return name
	case statistic == DefaultStatistic:
		return info.Name
	}
	return info.Name + "." + statistic
}
