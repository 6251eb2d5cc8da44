package console

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// chart is a stacked bar chart in SVG: plain numbers, which the template writes. It has no
// styles of its own, since the page's policy allows none: colours are classes of the
// stylesheet, s0 to s6 by rank, so they follow the theme.
type chart struct {
	Width, Height int
	Grid          []gridLine
	Labels        []chartLabel
	Columns       []column
	Legend        []legendItem
	Empty         bool
}

type gridLine struct {
	X1, X2, Y int
	Text      string
}

type chartLabel struct {
	X, Y   int
	Text   string
	Anchor string
}

// column is one step of time.
type column struct {
	X, Y, W, H int // the whole column, for the pointer
	Title      string
	Bars       []bar
}

type bar struct {
	Y, H  float64
	Color string
}

type legendItem struct {
	Name, Color string
	Count       int64
}

const (
	colours   = 6 // of series; the rest is one more, "other"
	chartLeft = 44
	chartFoot = 22
	chartHead = 8
)

// timeChart draws a chart of so many units; whoever shows it scales it.
func timeChart(st *Stats, width, height, labels int) chart {
	c := chart{Width: width, Height: height, Empty: st.Total == 0}
	rank := map[string]int{}
	var other int64
	for i, class := range st.Classes {
		if i < colours {
			rank[class.Name] = i
			c.Legend = append(c.Legend, legendItem{class.Name, fmt.Sprint("s", i), class.Count})
		} else {
			other += class.Count
		}
	}
	if other > 0 {
		c.Legend = append(c.Legend, legendItem{"other", fmt.Sprint("s", colours), other})
	}
	top := int64(1)
	for _, step := range st.Times {
		sum := int64(0)
		for _, n := range step.Counts {
			sum += n
		}
		top = max(top, sum)
	}
	scale := niceMax(top)
	bottom := height - chartFoot
	plot := float64(bottom - chartHead)
	for i := range 5 {
		value := scale * int64(i) / 4
		if i > 0 && value == scale*int64(i-1)/4 {
			continue
		}
		y := bottom - int(math.Round(plot*float64(value)/float64(scale)))
		c.Grid = append(c.Grid, gridLine{X1: chartLeft, X2: width, Y: y, Text: short(value)})
	}
	step := float64(width-chartLeft) / float64(len(st.Times))
	for i, s := range st.Times {
		x := chartLeft + int(math.Round(step*float64(i)))
		w := max(int(math.Round(step*float64(i+1)))-int(math.Round(step*float64(i))), 1)
		if w > 4 {
			w-- // a gap between columns
		}
		col := column{X: x, Y: chartHead, W: w, H: bottom - chartHead, Title: title(s)}
		y := float64(bottom)
		stacked := make([]int64, colours+1)
		for class, n := range s.Counts {
			at, ok := rank[class]
			if !ok {
				at = colours
			}
			stacked[at] += n
		}
		for at, n := range stacked {
			if n > 0 {
				h := math.Max(plot*float64(n)/float64(scale), 1)
				y -= h
				col.Bars = append(col.Bars, bar{Y: y, H: h, Color: fmt.Sprint("s", at)})
			}
		}
		c.Columns = append(c.Columns, col)
	}
	layout := "15:04"
	if st.Until.Sub(st.Since) > 36*time.Hour {
		layout = "2 Jan"
	}
	for i := range labels {
		at := st.Since.Add(st.Until.Sub(st.Since) * time.Duration(i) / time.Duration(labels-1))
		anchor := "middle"
		switch i {
		case 0:
			anchor = "start"
		case labels - 1:
			anchor = "end"
		}
		c.Labels = append(c.Labels, chartLabel{X: chartLeft + (width-chartLeft)*i/(labels-1), Y: height - 6, Text: at.UTC().Format(layout), Anchor: anchor})
	}
	return c
}

// title says what a column holds.
func title(s Step) string {
	text := s.Time.UTC().Format("2 Jan 15:04")
	names := make([]string, 0, len(s.Counts))
	for name := range s.Counts {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool {
		if a, b := s.Counts[names[i]], s.Counts[names[j]]; a != b {
			return a > b
		}
		return names[i] < names[j]
	})
	for _, name := range names {
		text += fmt.Sprintf("\n%s %d", name, s.Counts[name])
	}
	return text
}

// niceMax returns the next of 4, 8, 20, 40, 80, 200 ... that is not below n, so that a
// quarter of it is a round number.
func niceMax(n int64) int64 {
	for power := int64(1); ; power *= 10 {
		for _, m := range []int64{4, 8, 20} {
			if m*power >= n {
				return m * power
			}
		}
	}
}

// short writes a number in few letters.
func short(n int64) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n >= 1_000_000:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	case n >= 10_000:
		return fmt.Sprintf("%dk", n/1000)
	case n >= 1000:
		return fmt.Sprintf("%.1fk", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}
