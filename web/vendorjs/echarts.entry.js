import { use } from "echarts/core";
import { ScatterChart, LineChart } from "echarts/charts";
import { GridComponent, MarkLineComponent, MarkAreaComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

use([ScatterChart, LineChart, GridComponent, MarkLineComponent, MarkAreaComponent, CanvasRenderer]);

export { init, getInstanceByDom } from "echarts/core";
