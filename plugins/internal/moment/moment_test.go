package moment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMoments(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2027, 3, day, hour, 0, 0, 0, time.UTC) }
	format := Format()
	for _, row := range []struct {
		text       string
		begin, end time.Time
	}{
		{text: "2027-03-30", begin: at(30, 0), end: at(31, 0)},
		{text: "2027-03-30T18:00:00Z", begin: at(30, 18), end: at(30, 18)},
		{text: "2027-03-30T18:00:00.000+01:00", begin: at(30, 17), end: at(30, 17)},
	} {
		begin, err := Begin(row.text)
		require.NoError(t, err)
		end, err := End(row.text)
		require.NoError(t, err)
		require.Equal(t, row.begin, begin)
		require.Equal(t, row.end, end)
		require.True(t, format.Passes(row.text), "Kong lets it through")
	}
	for _, text := range []string{"", "2027-02-30", "30.3.2027", "2027-03-30T25:00:00Z", "2027-03-30T18:00:00", "tomorrow"} {
		_, err := End(text)
		require.ErrorContains(t, err, "neither a day such as")
		require.Error(t, format.Check(text))
	}
}
