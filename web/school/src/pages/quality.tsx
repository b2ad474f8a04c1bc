import { api, type Kpi, type Point } from "../api";
import { Columns, LineChart } from "../charts";
import { useDashboard } from "../dashboard";
import { RangePicker } from "../filters";
import { count, score } from "../format";
import { Avatar, Card, Empty, Figure, Ghost, Header } from "../ui";

type Scores = Record<"overall" | "reviews" | "structure" | "argument" | "style" | "grammar", Kpi>;

interface Analysis {
  distribution: { score: number; count: number }[];
  reviewers: { name: string; reviews: number; mean: number }[];
  lowest: { _id: string; overall: number; reviewer: string; day: string }[];
}

export function Quality() {
  const scores = useDashboard<Scores>(api.dashboardQuality.getScores);
  const trends = useDashboard<Point[]>(api.dashboardQuality.getTrends);
  const analysis = useDashboard<Analysis>(api.dashboardQuality.getAnalysis);
  const reviewed = trends?.filter((point) => point.count);
  return (
    <>
      <Header
        title="Quality"
        text={scores ? `${count(scores.reviews.value)} reviews, ${score(scores.overall.value)} of 10 on average.` : "…"}
      >
        <RangePicker />
      </Header>
      <div className="figures">
        <Figure name="Overall" kpi={scores?.overall} format={score} />
        <Figure name="Structure" kpi={scores?.structure} format={score} />
        <Figure name="Argument" kpi={scores?.argument} format={score} />
        <Figure name="Style" kpi={scores?.style} format={score} />
        <Figure name="Grammar" kpi={scores?.grammar} format={score} />
      </div>
      <div className="grid">
        <Card title="Mean score" size="wide">
          {reviewed === undefined ? (
            <Ghost lines={6} />
          ) : reviewed.length ? (
            <LineChart points={reviewed} step="day" format={score} axis={count} unit="reviews" most={10} />
          ) : (
            <Empty title="No reviews in this time" />
          )}
        </Card>
        <Card title="Where scores lie">
          {analysis ? (
            <Columns data={analysis.distribution.map((band) => ({ name: String(band.score), value: band.count }))} format={count} />
          ) : (
            <Ghost />
          )}
        </Card>
        <Card title="Reviewers">
          {analysis ? (
            <ul className="lines">
              {analysis.reviewers.map((reviewer) => (
                <li key={reviewer.name}>
                  <Avatar name={reviewer.name} />
                  <span>{reviewer.name}</span>
                  <small>{reviewer.reviews === 1 ? "1 review" : `${count(reviewer.reviews)} reviews`}</small>
                  <strong>{score(reviewer.mean)}</strong>
                </li>
              ))}
            </ul>
          ) : (
            <Ghost />
          )}
        </Card>
        <Card title="Lowest of all time" size="wide">
          {analysis ? (
            <ul className="lines">
              {analysis.lowest.map((review) => (
                <li key={review._id}>
                  <span>{review.reviewer}</span>
                  <small>{review.day}</small>
                  <strong>{score(review.overall)}</strong>
                </li>
              ))}
            </ul>
          ) : (
            <Ghost />
          )}
        </Card>
      </div>
    </>
  );
}
