# Plots "jobs read decide write whole" (ms) as SVG, both axes logarithmic.
# Variables: facts, of the machine; nodes.

function log10(x) { return log(x) / log(10) }
function px(jobs) { return left + (log10(jobs) - xlow) / (xhigh - xlow) * width }
function py(ms) { return top + height - (log10(ms) - ylow) / (yhigh - ylow) * height }
function lower(x,  n) { n = int(x); return n > x ? n - 1 : n }
function ceiling(x) { return -lower(-x) }
function label(power) {
    if (power >= 6) return 10 ^ (power - 6) "M"
    if (power >= 3) return 10 ^ (power - 3) "k"
    return 10 ^ power ""
}
function text(x, y, anchor, what) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, what
}

{
    jobs[NR] = $1
    for (c = 1; c <= 4; c++) {
        ms[c, NR] = $(c + 1)
        if (least == "" || $(c + 1) < least) least = $(c + 1)
        if ($(c + 1) > most) most = $(c + 1)
    }
}

END {
    left = 70; top = 50; width = 520; height = 320
    split("read decide write whole", name, " ")
    split("#1f77b4 #d62728 #2ca02c #333333", color, " ")
    xlow = log10(jobs[1]); xhigh = log10(jobs[NR])
    ylow = lower(log10(least)); yhigh = ceiling(log10(most))
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 680 440\" font-family=\"sans-serif\" font-size=\"12\">"
    print "<rect width=\"680\" height=\"440\" fill=\"white\"/>"
    printf "<text x=\"%d\" y=\"22\" font-size=\"15\">A pass over a full pool of %d nodes</text>\n", left, nodes
    text(left, 40, "start", facts)
    for (p = ylow; p <= yhigh; p++) {
        printf "<path d=\"M%d %.1fh%d\" stroke=\"#ddd\"/>\n", left, py(10 ^ p), width
        text(left - 8, py(10 ^ p) + 4, "end", (p < 0 ? sprintf("%.*f", -p, 10 ^ p) : 10 ^ p ""))
    }
    for (p = ceiling(xlow - 0.001); p <= xhigh + 0.001; p++) {
        printf "<path d=\"M%.1f %dv%d\" stroke=\"#ddd\"/>\n", px(10 ^ p), top, height
        text(px(10 ^ p), top + height + 18, "middle", label(p))
    }
    printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#333\"/>\n", left, top, width, height
    text(left + width / 2, top + height + 40, "middle", "queued jobs")
    printf "<text transform=\"translate(18 %.1f) rotate(-90)\" text-anchor=\"middle\">ms</text>\n", top + height / 2
    for (c = 1; c <= 4; c++) {
        printf "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"", color[c], (c == 4 ? " stroke-dasharray=\"5 3\"" : "")
        for (i = 1; i <= NR; i++)
            printf "%s%.1f,%.1f", (i > 1 ? " " : ""), px(jobs[i]), py(ms[c, i])
        print "\"/>"
        for (i = 1; i <= NR; i++)
            printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", px(jobs[i]), py(ms[c, i]), color[c]
    }
    # a legend, for lines may end close together
    for (c = 1; c <= 4; c++) {
        y = top + 18 * c
        printf "<path d=\"M%d %dh24\" stroke=\"%s\" stroke-width=\"2\"%s/>\n", left + 14, y, color[c], (c == 4 ? " stroke-dasharray=\"5 3\"" : "")
        text(left + 46, y + 4, "start", name[c])
    }
    print "</svg>"
}
