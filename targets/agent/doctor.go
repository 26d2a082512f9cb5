package agent

import (
	"context"
	"time"

	"github.com/fettle-edge/fettle/profiler/meter"
	"github.com/fettle-edge/fettle/targets"
)

// released is no later than any build of this program: a clock before it is
// wrong.
var released = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// Doctor checks whether this board can measure, and how well. folder is where
// pieces are kept.
func Doctor(ctx context.Context, root, version, folder string) []targets.Check {
	r := meter.At(root)
	snap := meter.Take(r)
	v := targets.Vitals{
		Now: time.Now(), Built: released,
		Celsius: snap.Celsius, Thermometer: snap.Thermometer, ThrottleEvents: snap.Throttle.Highest(),
		AvailableMem: snap.AvailableMem, SwapUsed: snap.SwapUsed, Missing: map[string]string{},
	}
	for name, why := range snap.Missing {
		v.Missing[name] = why
	}
	if b := snap.Battery; b != nil {
		v.Battery, v.BatteryWatts = b.Status, b.Watts
	}
	if share, _, err := meter.WaitQuiet(ctx, r, meter.Quiet{Patience: 500 * time.Millisecond}); err != nil {
		v.Missing[targets.CheckLoad] = err.Error()
	} else {
		v.OtherLoad = share
	}
	if disk, err := targets.DiskSpace(ctx, folder); err != nil {
		v.Missing[targets.CheckDisk] = err.Error()
	} else {
		v.Disks = []targets.Disk{disk}
	}
	return targets.Doctor(Facts(ctx, root, version), v)
}
